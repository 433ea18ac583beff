# A door before an engine's real socket that changes what the engine says of itself, and nothing else.
#
#   stand_in.py SOCKET ENGINE CHANGES
#
# CHANGES is JSON: {"version": {"ApiVersion": "1.35"}, "info": {…}}. It ends when its standard input does.
import json
import os
import socket
import sys
import threading

door, engine, changes = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])


def connected():
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(engine)
    return connection


def copy(source, target):
    try:
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


# Asked in the old way, an engine answers in one piece.
def changed(path):
    real = connected()
    real.sendall(f"GET {path} HTTP/1.0\r\nHost: engine\r\n\r\n".encode())
    answer = b""
    while data := real.recv(1 << 16):
        answer += data
    body = json.loads(answer.split(b"\r\n\r\n", 1)[1])
    body.update(changes[path.rsplit("/", 1)[-1]])
    body = json.dumps(body).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


def serve(client):
    head = b""
    while b"\r\n\r\n" not in head:
        data = client.recv(1 << 16)
        if not data:
            return
        head += data
    method, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
    if method == "GET" and path.rsplit("/", 1)[-1] in changes:
        client.sendall(changed(path))
        client.close()
        return
    # The next request comes on a connection of its own, and is seen here.
    if b"pgrade" not in head:
        head = head.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
    real = connected()
    real.sendall(head)
    threading.Thread(target=copy, args=(client, real), daemon=True).start()
    copy(real, client)


def accept(listener):
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client,), daemon=True).start()


listener = socket.socket(socket.AF_UNIX)
listener.bind(door)
listener.listen()
threading.Thread(target=accept, args=(listener,), daemon=True).start()
sys.stdin.read()
os._exit(0)
