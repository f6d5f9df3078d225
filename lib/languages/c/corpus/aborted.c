#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int deep(volatile int n) {
  volatile char taken[4096];
  taken[0] = (char)n;
  return deep(n + 1) + taken[0];
}

static void crash(const char *way) {
  printf("line\nrest");
  if (strcmp(way, "raise") == 0) raise(SIGSEGV);
  if (strcmp(way, "stack") == 0) exit(deep(0));
  if (strcmp(way, "quits") == 0) {
    // A child writes nothing of its parent's buffer, also if it crashes.
    if (fork() == 0) abort();
    wait(NULL);
    exit(0);
  }
  abort();
}

// Each child crashes in another way with unwritten output; the parent prints how it ended.
int main(int count, char **arguments) {
  static const char *const ways[] = {"abort", "raise", "stack", "quits"};
  if (count > 1) crash(arguments[1]);
  for (size_t index = 0; index < sizeof ways / sizeof *ways; index += 1) {
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
      execl("/proc/self/exe", "program", ways[index], (char *)NULL);
      return 1;
    }
    int status = 0;
    waitpid(child, &status, 0);
    printf(" = %s %d %d\n", ways[index], WIFSIGNALED(status), WTERMSIG(status));
  }
}
