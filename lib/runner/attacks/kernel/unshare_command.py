import subprocess

for command in (["unshare", "-Ur", "id", "-u"], ["unshare", "-r", "--mount", "mount", "-t", "tmpfs", "x", "/etc"], ["nsenter", "-t", "1", "-a", "id"]):
    try:
        ended = subprocess.run(command, capture_output=True, text=True)
        print(ended.returncode != 0, ended.stdout.strip())
    except FileNotFoundError:
        print(True)
