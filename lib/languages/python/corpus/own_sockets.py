import asyncio, socket, subprocess


async def main():
    async def serve(reader, writer):
        writer.write((await reader.read()).upper())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()

    async def ask(text):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(text.encode())
        writer.write_eof()
        return (await reader.read()).decode()

    print(await asyncio.gather(*(ask(f"number {n}") for n in range(3))))
    child = await asyncio.create_subprocess_exec("cat", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    print(await child.communicate(b"through a child"))


asyncio.run(main())
pairs = [socket.socketpair() for _ in range(20)]
for one, other in pairs:
    one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
    one.send(b"x")
    assert other.recv(1) == b"x"
print(len(pairs), "pairs")
