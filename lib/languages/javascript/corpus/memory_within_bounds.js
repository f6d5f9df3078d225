const numbers = Array.from({ length: 2_000_000 }, (_, i) => i);
const text = numbers.map((n) => n % 10).join('');
console.log(text.length, numbers.reduce((a, b) => a + b));
