import sys

text = "naïve 日本語 🦀 e\u0301"
print(text, len(text), len(text.encode()))
print("🦀", file=sys.stderr)
