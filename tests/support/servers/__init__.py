"""The servers that a certificate is for: how each is configured, started and asked."""

from support.servers.accounts import ACCOUNTS
from support.servers.files import FILES
from support.servers.mail import MAIL
from support.servers.messages import MESSAGES
from support.servers.names import NAMES
from support.servers.proxies import PROXIES
from support.servers.storage import STORAGE
from support.servers.voices import VOICES
from support.servers.web import WEB

SERVERS = {
    **WEB,
    **MAIL,
    **PROXIES,
    **STORAGE,
    **FILES,
    **MESSAGES,
    **VOICES,
    **NAMES,
    **ACCOUNTS,
}
"""By preset; and Tomcat, an example of a target that is none: a PKCS#12 store."""
