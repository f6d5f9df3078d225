const text = 'naïve 日本語 🦀';
console.log(text, [...text].length, Buffer.byteLength(text));
console.error('🦀');
