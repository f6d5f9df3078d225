const fs = require('node:fs');
const text = fs.readFileSync('/dev/stdin', 'utf8');
const again = fs.readFileSync(0, 'utf8');
const [name, ...numbers] = text.trim().split('\n');
console.log(name.toUpperCase(), numbers.map(Number).reduce((a, b) => a + b), again === text);
