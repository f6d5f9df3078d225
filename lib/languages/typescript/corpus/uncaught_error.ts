function fail(reason: string): never {
  throw new Error(reason);
}

console.log('first');
fail('on purpose');
