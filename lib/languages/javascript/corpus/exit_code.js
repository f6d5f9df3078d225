console.log('before');
process.exit(42);
