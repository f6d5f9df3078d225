console.log('first');
null.missing;
