"""The platforms as lull's channels see them: the settings of a channel, and how each of them signs its webhooks. The
signatures are made from what the platforms document; nothing here has seen lull's C."""

import base64
import hashlib
import hmac
import json
import time
import urllib.parse

from peers import chatwoot_headers, standard_headers, standard_signature, whatsapp_headers

SECRET = 'whsec_bHVsbC1lbmQtdG8tZW5kLXRlc3Qtc2VjcmV0LTAwMQ=='
JSON = {'Content-Type': 'application/json'}
FORM = {'Content-Type': 'application/x-www-form-urlencoded'}
PUBLIC_URL = 'https://lull.example.com/hooks/acme/support'


def mac(secret, content, algorithm='sha256'):
    return hmac.new(secret.encode(), content, algorithm)


def base64_url(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b'=').decode()


def slack_headers(body, secret, at=None):
    stamp = str(int(at if at is not None else time.time()))
    return {**JSON, 'X-Slack-Request-Timestamp': stamp,
            'X-Slack-Signature': 'v0=' + mac(secret, f'v0:{stamp}:'.encode() + body).hexdigest()}


def twilio_headers(body, token, url=PUBLIC_URL):
    """Over the address and the decoded fields, sorted by their names."""
    fields = sorted(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True))
    content = url + ''.join(name + value for name, value in fields)
    return {**FORM, 'X-Twilio-Signature': base64.b64encode(mac(token, content.encode(), 'sha1').digest()).decode()}


def evolution_headers(key, at=None, algorithm='HS256', **claims):
    """A JSON Web Token as Evolution makes it: good for ten minutes."""
    now = int(at if at is not None else time.time())
    claims = {'iat': now, 'exp': now + 600, 'app': 'evolution', 'action': 'webhook', **claims}
    head = base64_url(json.dumps({'alg': algorithm, 'typ': 'JWT'}).encode())
    content = f'{head}.{base64_url(json.dumps(claims).encode())}'
    return {**JSON, 'Authorization': f'Bearer {content}.{base64_url(mac(key, content.encode()).digest())}'}


def generic_headers(body, secret, at=None, id='msg_1'):
    stamp = str(int(at if at is not None else time.time()))
    return {**standard_headers(body, secret, id), 'webhook-timestamp': stamp,
            'webhook-signature': standard_signature(body, secret, id, stamp)}


class Platform:
    """One kind of channel. `sign(body, at)` gives the headers of a genuine webhook, made at that time (now).

    `is_over_body`: a changed byte of the body shows; elsewhere only the token proves where a webhook is from.
    `is_timed`: an old webhook shows."""

    def __init__(self, kind, sign, settings, is_over_body=True, is_timed=False, forged=None):
        self.kind, self.sign, self.settings = kind, sign, settings
        self.is_over_body, self.is_timed = is_over_body, is_timed
        self.forged = forged  # headers with a wrong token, where the body is not signed

    def channel(self, url='https://platform.example.com', **more):
        """The channel of lull.yaml whose posts go to `url`."""
        return {'kind': self.kind, **({} if self.kind == 'generic' else {'url': url}), **self.settings, **more}


PLATFORMS = {platform.kind: platform for platform in (
    Platform('chatwoot', lambda body, at=None: chatwoot_headers(body, 'the secret', at),
             {'account': 2, 'token': 'the token', 'secret': 'the secret'}, is_timed=True),
    Platform('whatsapp', lambda body, at=None: whatsapp_headers(body, 'the secret'),
             {'phone_number_id': '106540352242922', 'token': 'the token', 'secret': 'the secret',
              'verify_token': 'FAKE_VERIFY_TOKEN'}),
    Platform('zapi', lambda body, at=None: {**JSON, 'z-api-token': 'FAKEINSTANCETOKEN'},
             {'instance': 'FAKEINSTANCE00000000000000000001', 'token': 'FAKEINSTANCETOKEN',
              'header_token': 'FAKEINSTANCETOKEN', 'client_token': 'FAKECLIENTTOKEN'},
             is_over_body=False, forged={**JSON, 'z-api-token': 'FAKEINSTANCETOKEM'}),
    Platform('evolution', lambda body, at=None: evolution_headers('the jwt key', at),
             {'instance': 'inst-teste', 'apikey': 'the key', 'jwt_key': 'the jwt key'},
             is_over_body=False, is_timed=True, forged=evolution_headers('another key')),
    Platform('telegram', lambda body, at=None: {**JSON, 'X-Telegram-Bot-Api-Secret-Token': 'fake-secret-token_01'},
             {'token': '100000900:FAKE', 'secret_token': 'fake-secret-token_01'},
             is_over_body=False, forged={**JSON, 'X-Telegram-Bot-Api-Secret-Token': 'fake-secret-token_02'}),
    Platform('twilio', lambda body, at=None: twilio_headers(body, 'fake-twilio-auth-token'),
             {'account_sid': 'AC00000000000000000000000000000001', 'auth_token': 'fake-twilio-auth-token',
              'public_url': PUBLIC_URL}),
    Platform('slack', lambda body, at=None: slack_headers(body, '8f742231b10e8888abcd99yyyzzz85a5', at),
             {'token': 'xoxb-FAKE', 'signing_secret': '8f742231b10e8888abcd99yyyzzz85a5'}, is_timed=True),
    Platform('generic', lambda body, at=None: generic_headers(body, SECRET, at), {'secret': SECRET}, is_timed=True),
)}
