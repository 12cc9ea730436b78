#!/usr/bin/python3
"""The strangers of deploy/demo: a bot that answers batches, a Chatwoot that receives replies, and its webhooks.

usage: demo_peers.py serve FOLDER              plays bot and Chatwoot; FOLDER/port has the port, FOLDER/replies what
                                               Chatwoot was posted
       demo_peers.py post URL SECRET FILE...   delivers the bodies as Chatwoot would, signed, about a second apart"""

import hashlib
import hmac
import http.server
import json
import pathlib
import sys
import time
import urllib.error
import urllib.request

PACE_S = 1.0  # between two messages of the burst: a person who types


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    folder = pathlib.Path()

    def do_POST(self):
        said = json.loads(self.rfile.read(int(self.headers['content-length'])))
        if self.path == '/answer':
            self.answer({'reply': answer_batch(said)})
        elif self.path.endswith('/toggle_typing_status'):
            self.answer({})
        else:
            print(f'Chatwoot <- {said["content"]}', flush=True)
            with open(self.folder / 'replies', 'a') as replies:
                replies.write(json.dumps(said) + '\n')
            self.answer({'id': 1, 'content': said['content'], 'message_type': 1, 'status': 'sent'})

    def answer(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def answer_batch(batch):
    """This is all that a bot of yours has to do: from a batch to a reply."""
    return 'You wrote: ' + ' / '.join(message['text'] or '(no text)' for message in batch['messages'])


def serve(folder):
    Handler.folder = pathlib.Path(folder)
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    part = Handler.folder / 'port.part'
    part.write_text(f'{server.server_address[1]}\n')
    part.rename(Handler.folder / 'port')
    server.serve_forever()


def post(url, secret, *files):
    for number, name in enumerate(files):
        if number > 0:
            time.sleep(PACE_S)
        body = pathlib.Path(name).read_bytes()
        stamp = str(int(time.time()))
        mac = hmac.new(secret.encode(), stamp.encode() + b'.' + body, hashlib.sha256).hexdigest()
        headers = {'Content-Type': 'application/json', 'X-Chatwoot-Timestamp': stamp,
                   'X-Chatwoot-Signature': f'sha256={mac}'}
        try:
            urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=30).close()
        except urllib.error.HTTPError as error:
            sys.exit(f'the ingest refused {name}: {error.code} {error.read().decode(errors="replace")}')
        print(f'Chatwoot -> {json.loads(body)["content"]}', flush=True)


if __name__ == '__main__':
    {'serve': serve, 'post': post}[sys.argv[1]](*sys.argv[2:])
