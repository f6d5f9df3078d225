/*
 * Compiles the lines of policy.ts with libseccomp, for a test that compares both filters. Reads
 * lines from stdin, writes BPF to stdout.
 *   deny <syscall> <errno>                       mask <syscall> <arg> <mask> <value> <errno>
 *   both <syscall> <arg> <value> <arg> <value> <errno>, where both arguments are read as 32 bits
 *   resolve <syscall> (writes its number to stderr)
 */
#include <errno.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
  uint32_t arch = argc > 1 && strcmp(argv[1], "arm64") == 0 ? SCMP_ARCH_AARCH64 : SCMP_ARCH_X86_64;
  scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
  if (ctx == NULL) return 1;
  if (seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) != 0) return 2;
  if (seccomp_arch_native() != arch) {
    if (seccomp_arch_remove(ctx, SCMP_ARCH_NATIVE) != 0 || seccomp_arch_add(ctx, arch) != 0) return 3;
  }
  char kind[16], name[64];
  while (scanf("%15s %63s", kind, name) == 2) {
    int nr = seccomp_syscall_resolve_name_arch(arch, name);
    if (strcmp(kind, "resolve") == 0) {
      fprintf(stderr, "%s %d\n", name, nr);
      continue;
    }
    /* Rules take the native number, and libseccomp translates it. */
    int native = seccomp_syscall_resolve_name(name);
    unsigned code;
    int failed;
    if (strcmp(kind, "deny") == 0) {
      if (scanf("%u", &code) != 1) return 4;
      failed = nr < 0 ? 0 : seccomp_rule_add_exact(ctx, SCMP_ACT_ERRNO(code), native, 0);
    } else if (strcmp(kind, "both") == 0) {
      unsigned first, second;
      unsigned long long one, other;
      if (scanf("%u %llu %u %llu %u", &first, &one, &second, &other, &code) != 5) return 5;
      struct scmp_arg_cmp compare[] = {{first, SCMP_CMP_MASKED_EQ, 0xffffffff, one},
                                       {second, SCMP_CMP_MASKED_EQ, 0xffffffff, other}};
      failed = seccomp_rule_add_exact_array(ctx, SCMP_ACT_ERRNO(code), native, 2, compare);
    } else {
      unsigned arg;
      unsigned long long mask, value;
      if (scanf("%u %llu %llu %u", &arg, &mask, &value, &code) != 4) return 5;
      struct scmp_arg_cmp compare = {arg, SCMP_CMP_MASKED_EQ, mask, value};
      failed = seccomp_rule_add_exact_array(ctx, SCMP_ACT_ERRNO(code), native, 1, &compare);
    }
    if (failed != 0) {
      fprintf(stderr, "rule for %s: %s\n", name, strerror(-failed));
      return 6;
    }
  }
  return seccomp_export_bpf(ctx, STDOUT_FILENO) == 0 ? 0 : 7;
}
