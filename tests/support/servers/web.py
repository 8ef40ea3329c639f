"""Web servers."""

import shutil
from pathlib import Path

from support.program import free_port
from support.servers.server import Server, owned

COCKPIT = "/usr/lib/cockpit"
"""Where Debian has its programs."""

PASSWORD = "secret-of-the-store"
"""Of Tomcat's PKCS#12 store; a test has it in a file, tomcat.password."""


def apache(directory: Path, port: int) -> str:
    modules = ("mpm_event", "authz_core", "ssl", "socache_shmcb")
    (directory / "conf").write_text(
        "".join(
            f"LoadModule {one}_module /usr/lib/apache2/modules/mod_{one}.so\n"
            for one in modules
        )
        + f"ServerName example.org\nListen 127.0.0.1:{port}\nPidFile {directory}/pid\n"
        "User www-data\nGroup www-data\nErrorLog /dev/stderr\nSSLEngine on\n"
        f"DocumentRoot {directory}\nDefaultRuntimeDir {directory}\n"
        f"SSLCertificateFile {directory}/tls/chain.pem\n"
        f"SSLCertificateKeyFile {directory}/tls/key.pem\n"
    )
    return f"exec apache2 -f {directory}/conf -DFOREGROUND"


def caddy(directory: Path, port: int) -> str:
    owned(directory / "home", "caddy")
    (directory / "Caddyfile").write_text(
        f"{{\n admin 127.0.0.1:{free_port()}\n auto_https disable_redirects\n"
        f" default_sni example.org\n}}\nhttps://example.org:{port} {{\n"
        f" bind 127.0.0.1\n tls {directory}/tls/chain.pem {directory}/tls/key.pem\n}}\n"
    )
    start = f"caddy run --config {directory}/Caddyfile"
    return f"export HOME={directory}/home\nexec s6-setuidgid caddy {start}"


def cockpit(directory: Path, port: int) -> str:
    """The run script of the preset, with another place for /etc, and another port.

    The places in /run are Cockpit's own, and fixed.
    """
    (directory / "etc/cockpit").mkdir(parents=True)
    (directory / "etc/cockpit/ws-certs.d").symlink_to(directory / "tls")
    return (
        f"set -e\nexport XDG_CONFIG_DIRS={directory}/etc\n"
        "export RUNTIME_DIRECTORY=/run/cockpit/tls\n"
        "rm -rf /run/cockpit/tls/server /run/cockpit/tls/clients\n"
        "mkdir -p /run/cockpit/tls /run/cockpit/wsinstance\n"
        "chown cockpit-ws:cockpit-ws /run/cockpit/tls\n"
        f"{COCKPIT}/cockpit-certificate-ensure --for-cockpit-tls\n"
        f"exec s6-setuidgid cockpit-ws {COCKPIT}/cockpit-tls --idle-timeout 0 --port {port}"
    )


def lighttpd(directory: Path, port: int) -> str:
    (directory / "www").mkdir()
    (directory / "conf").write_text(
        f'server.modules = ("mod_openssl")\nserver.document-root = "{directory}/www"\n'
        f'server.bind = "127.0.0.1"\nserver.port = {port}\nserver.username = "www-data"\n'
        f'server.groupname = "www-data"\n'
        f'ssl.engine = "enable"\nssl.pemfile = "{directory}/tls/chain.pem"\n'
        f'ssl.privkey = "{directory}/tls/key.pem"\n'
        'server.feature-flags += ("server.graceful-restart-bg" => "enable")\n'
    )
    return f"exec lighttpd -D -f {directory}/conf"


def nginx(directory: Path, port: int) -> str:
    (directory / "conf").write_text(
        f"daemon off; pid {directory}/pid; error_log stderr; events {{}}\n"
        f"http {{ access_log off; server {{ listen 127.0.0.1:{port} ssl;\n"
        f"ssl_certificate {directory}/tls/chain.pem; ssl_certificate_key {directory}/tls/key.pem;\n"
        f"return 200; }} }}\n"
    )
    return f"exec nginx -c {directory}/conf"


def tomcat(directory: Path, port: int) -> str:
    """An instance of its own; it has to know the password of its store."""
    for name in ("conf", "logs", "temp", "webapps", "work"):
        owned(directory / name, "tomcat")
    shutil.copy("/etc/tomcat10/web.xml", directory / "conf/web.xml")
    (directory / "conf/server.xml").write_text(
        f'<Server port="-1"><Service name="Catalina"><Connector port="{port}"'
        ' address="127.0.0.1" SSLEnabled="true" scheme="https" secure="true">'
        f'<SSLHostConfig><Certificate certificateKeystoreFile="{directory}/tls/site.p12"'
        f' certificateKeystorePassword="{PASSWORD}" certificateKeystoreType="PKCS12"/>'
        '</SSLHostConfig></Connector><Engine name="Catalina" defaultHost="localhost">'
        '<Host name="localhost" appBase="webapps"/></Engine></Service></Server>\n'
    )
    return (
        f"export CATALINA_HOME=/usr/share/tomcat10 CATALINA_BASE={directory}"
        f" CATALINA_TMPDIR={directory}/temp JAVA_OPTS=-Djava.awt.headless=true\n"
        "exec s6-setuidgid tomcat /usr/share/tomcat10/bin/catalina.sh run"
    )


WEB = {
    "apache": Server(
        apache,
        ("apache2", "apachectl"),
        "service={directory} test='apachectl -t -f {directory}/conf'",
    ),
    "caddy": Server(
        caddy,
        ("caddy",),
        "service={directory} config={directory}/Caddyfile",
        configuration="Caddyfile",
        mistake="nonsense {\n",
        unreadable="group=root",
    ),
    "cockpit": Server(
        cockpit,
        (f"{COCKPIT}/cockpit-tls",),
        "service={directory} test='env XDG_CONFIG_DIRS={directory}/etc"
        f" {COCKPIT}/cockpit-certificate-ensure --check'",
        has_a_gap=True,
        is_restarted=True,
        configuration="run",
        mistake="",
    ),
    "lighttpd": Server(
        lighttpd,
        ("lighttpd",),
        "service={directory} test='lighttpd -tt -f {directory}/conf'",
        unreadable="group=root",
    ),
    "nginx": Server(
        nginx,
        ("nginx",),
        "service={directory} test='nginx -t -q -c {directory}/conf'",
    ),
    "tomcat": Server(
        tomcat,
        ("java", "xmllint", "/usr/share/tomcat10/bin/catalina.sh"),
        settings="",
        has_a_gap=True,
        is_restarted=True,
        configuration="conf/server.xml",
        mistake="<\n",
        deployment="tomcat: copy pkcs12 {directory}/tls/site.p12 password={directory}.password"
        " group=tomcat mode=0440; test service={directory} xmllint --noout"
        " {directory}/conf/server.xml; test user=tomcat head -c 0 {directory}/tls/site.p12;"
        " restart {directory}; serves {address}",
    ),
}
