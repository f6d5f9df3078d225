for ((index = 0; index < 1000; index++)); do printf '%099d\n' 0; done
