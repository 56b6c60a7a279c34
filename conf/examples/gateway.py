"""A gateway: forwards the records of a client's channel in Redis to browsers, over WebSockets.

    TALLY_URL=http://127.0.0.1:8080 TALLY_KEY=tally_... CLIENT=01a2011c-... \\
        REDIS_SOCKET=/run/redis/redis-server.sock python3 gateway.py 8081  # or REDIS_HOST

CLIENT: see tally client list. The key needs the scope users. new WebSocket(url, [TOKEN]), with the
token of a user's session, hears that user's records. Ends with Redis: start it again."""
import asyncio, base64, hashlib, json, os, re, sys, urllib.request, uuid
env, browsers = os.environ, {}  # by whom to write to: whose records
need = {"TALLY_URL", "TALLY_KEY", "CLIENT", "REDIS_HOST" if "REDIS_HOST" in env else "REDIS_SOCKET"}
if need - {*env}: sys.exit("gateway.py: not set: " + ", ".join(sorted(need - {*env})))
async def tally(method, path, body=None, token=""):
    ask = urllib.request.Request(env["TALLY_URL"] + "/v1" + path, method=method, headers={
        "Authorization": "Bearer " + env["TALLY_KEY"], "X-Session-Token": token,
        "Content-Type": "application/json"}, data=body and json.dumps(body).encode())
    return json.load(await asyncio.to_thread(urllib.request.urlopen, ask, timeout=10))
def frame(kind, data):  # an event is shorter than 64 KiB
    n = len(data)
    return bytes([128 | kind]) + (bytes([n]) if n < 126 else b"\x7e" + n.to_bytes(2, "big")) + data
async def serve(reader, writer, path="/websocket-connections"):
    try:
        head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).decode("latin-1")
        token, key = (re.search(rf"(?im)^sec-websocket-{name}:[ \t]*([^\s,]+)\s*$", head)[1]
                      for name in ("protocol", "key"))
        user = (await tally("GET", "/sessions/current", token=token))["user_id"]
        path += "/" + (await tally("POST", path, {"user_id": user, "client_type": "browser",
            "connection_id": str(uuid.uuid4()), "subscribed_events": ["record"]}))["id"]
        digest = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
        writer.write(("HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Protocol: {token}\r\nSec-WebSocket-Accept: "
            f"{base64.b64encode(digest).decode()}\r\n\r\n").encode() + frame(9, b""))
        browsers[writer], kind = user, 0
        while kind & 15 != 8:
            kind, size = await asyncio.wait_for(reader.readexactly(2), 75)
            mask, data = await reader.readexactly(4), await reader.readexactly(size & 127)
            if kind & 15 in (8, 9):  # answered by the same, and by a pong
                data = bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))
                writer.write(frame(8 if kind & 15 == 8 else 10, data))
            elif kind & 15 == 10:  # it is there; where Tally does not say so, it has to come again
                await tally("GET", "/sessions/current", token=token)
                await tally("POST", path + "/ping")
                asyncio.get_running_loop().call_later(30, writer.write, frame(9, b""))
    except (OSError, EOFError, TypeError): pass  # it went away, or may not
    finally:
        writer.close()
        if browsers.pop(writer, 0): await tally("POST", path + "/disconnect")

async def main():
    redis, ask = await (asyncio.open_unix_connection(env["REDIS_SOCKET"]) if "REDIS_SOCKET" in env
        else asyncio.open_connection(env["REDIS_HOST"], 6379))
    ask.write(b"SUBSCRIBE tally:{%s}:events\r\n" % env["CLIENT"].encode())
    async for line in redis:  # of RESP, only an event begins with a brace: JSON in one line
        if line == b":1\r\n":  # subscribed
            server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]))
        event = json.loads(line) if line[:1] == b"{" else {"type": ""}
        for to, user in browsers.items() if event["type"] == "record" else ():
            if event["data"].get("user_id") == user and to.transport.get_write_buffer_size() < 1e6:
                to.write(frame(1, line[:-2]))  # one that is slow misses some
asyncio.run(main())
