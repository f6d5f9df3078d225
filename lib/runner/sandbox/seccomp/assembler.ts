/**
 * A small assembler for classic BPF as seccomp reads it: 8-byte `sock_filter`s over
 * `struct seccomp_data` (linux/filter.h, linux/seccomp.h). Jumps only skip forward over a known
 * number of instructions.
 */
export interface Instruction {
  code: number;
  jumpTrue: number;
  jumpFalse: number;
  operand: number;
}

const LD_W_ABS = 0x20;
const ALU_AND_K = 0x54;
const JMP_JEQ_K = 0x15;
const JMP_JGE_K = 0x35;
const RET_K = 0x06;

/** Offsets in `struct seccomp_data`. Arguments have 64 bits, little endian: the low half first. */
export const NR_OFFSET = 0;
export const ARCH_OFFSET = 4;
export const argumentLow = (index: number): number => 16 + 8 * index;

export const ALLOW = 0x7fff0000;
export const KILL_PROCESS = 0x80000000;
/** The call fails with `errno` and does nothing. */
export const failWith = (errno: number): number => 0x00050000 | (errno & 0xffff);

const instruction = (code: number, operand: number, jumpTrue = 0, jumpFalse = 0): Instruction => ({
  code,
  jumpTrue,
  jumpFalse,
  operand: operand >>> 0,
});

export const load = (offset: number): Instruction => instruction(LD_W_ABS, offset);
export const and = (mask: number): Instruction => instruction(ALU_AND_K, mask);
export const returns = (action: number): Instruction => instruction(RET_K, action);
export const skipIfEqual = (value: number, count: number): Instruction =>
  instruction(JMP_JEQ_K, value, reach(count), 0);
export const skipUnlessEqual = (value: number, count: number): Instruction =>
  instruction(JMP_JEQ_K, value, 0, reach(count));
export const skipUnlessAtLeast = (value: number, count: number): Instruction =>
  instruction(JMP_JGE_K, value, 0, reach(count));

function reach(count: number): number {
  if (!Number.isInteger(count) || count < 0 || count > 255) throw new RangeError('a BPF jump reaches 255 instructions');
  return count;
}

/** The bytes that `bwrap --seccomp FD` reads. */
export function assemble(program: readonly Instruction[]): Buffer {
  if (program.length === 0 || program.length > MAX_INSTRUCTIONS)
    throw new RangeError(`a filter has 1 to ${MAX_INSTRUCTIONS} instructions`);
  const bytes = Buffer.alloc(program.length * 8);
  program.forEach(({ code, jumpTrue, jumpFalse, operand }, index) => {
    const at = index * 8;
    bytes.writeUInt16LE(code, at);
    bytes.writeUInt8(jumpTrue, at + 2);
    bytes.writeUInt8(jumpFalse, at + 3);
    bytes.writeUInt32LE(operand, at + 4);
  });
  return bytes;
}

const MAX_INSTRUCTIONS = 4096;

export interface SyscallData {
  nr: number;
  arch: number;
  args: readonly bigint[];
}

/** Returns the kernel's decision for a call: an interpreter of the same bytes, for tests. */
export function decide(program: Buffer, data: SyscallData): number {
  const memory = Buffer.alloc(64);
  memory.writeInt32LE(data.nr | 0, NR_OFFSET);
  memory.writeUInt32LE(data.arch, ARCH_OFFSET);
  data.args.forEach((value, index) => {
    memory.writeBigUInt64LE(BigInt.asUintN(64, value), argumentLow(index));
  });
  let accumulator = 0;
  for (let at = 0; at < program.length; at += 8) {
    const operand = program.readUInt32LE(at + 4);
    const jump = (taken: boolean) => {
      at += 8 * program.readUInt8(at + (taken ? 2 : 3));
    };
    const code = program.readUInt16LE(at);
    switch (code) {
      case LD_W_ABS:
        accumulator = memory.readUInt32LE(operand);
        break;
      case ALU_AND_K:
        accumulator = (accumulator & operand) >>> 0;
        break;
      case JMP_JEQ_K:
        jump(accumulator === operand);
        break;
      case JMP_JGE_K:
        jump(accumulator >= operand);
        break;
      case JMP_JGT_K:
        jump(accumulator > operand);
        break;
      case JMP_JA:
        at += 8 * operand;
        break;
      case RET_K:
        return operand;
      default:
        throw new RangeError(`instruction ${code} is unknown`);
    }
  }
  throw new RangeError('the program ends without a decision');
}

/** Only libseccomp's programs use these two. */
const JMP_JGT_K = 0x25;
const JMP_JA = 0x05;
