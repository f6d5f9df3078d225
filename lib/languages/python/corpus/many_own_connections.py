import asyncio


async def main():
    async def serve(reader, writer):
        writer.write(await reader.read())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()

    async def ask():
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"x")
        writer.write_eof()
        answer = await reader.read()
        writer.close()
        return answer

    answers = [await ask() for _ in range(1000)]
    print(len(answers), "one after another")
    held = [await asyncio.open_connection(*address) for _ in range(200)]
    await asyncio.sleep(0.5)
    print(len(held), "at a time")
    for _, writer in held:
        writer.close()


asyncio.run(main())
