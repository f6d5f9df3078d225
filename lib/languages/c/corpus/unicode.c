#include <locale.h>
#include <stdio.h>
#include <wchar.h>

int main(void) {
  setlocale(LC_ALL, "");
  printf("ß 😀 日本語 %zu\n", wcslen(L"😀é"));
}
