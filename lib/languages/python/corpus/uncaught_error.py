def divide(a, b):
    return a / b


print("first")
print(divide(1, 0))
