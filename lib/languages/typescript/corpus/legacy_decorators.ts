function log(target: any, propertyKey: string, descriptor: PropertyDescriptor) {
  const before = descriptor.value;
  descriptor.value = function (...args: any[]) { console.log("calling", propertyKey); return before.apply(this, args); };
}
function param(target: any, key: string | undefined, index: number) { console.log("param", key, index); }
function sealed(constructor: Function) { console.log("sealed", constructor.name); }

@sealed
class A {
  @log
  greet(@param name: string): string { return "hi " + name; }
}
console.log(new A().greet("you"));

import { Unit } from "./unit.mts";
import { execArgv } from "node:process";
console.log(new Unit(7).value, execArgv.includes("--require"), Object.keys(process.env).filter((name) => name.startsWith("CHILL")));
