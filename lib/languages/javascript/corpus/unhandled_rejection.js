Promise.reject(new Error('nobody caught this'));
setTimeout(() => console.log('not reached'), 1000);
