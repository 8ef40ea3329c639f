"""Keeps one TLS certificate current by ACME (RFC 8555, RFC 9773).

Needs Python 3.11 and the `acme` package, nothing else: this directory may be copied
and run alone, as `python3 -I DIRECTORY/__main__.py`. FILE is the chain that --out
names. Times are seconds since 1970, and a section without a name is one of RFC 8555.
Read it in this order; what has a star works without the acme package.

    __main__      *  the hourly run: if nothing is due, no other module is read
    messages      *  errors, exit codes, lines on stderr
    options       *  the command line as a frozen record
    command       *  what is to be done, and the signals that end it
    state         *  FILE.state: what one run tells the next
    schedule      *  when a renewal is due, and how long a failure waits: pure decisions
    renewal          keeps FILE current: inspect, decide, lock, order, remember
    order            one order from newOrder to a verified chain
    challenges       challenge files and TXT records: provisioned, and removed
    account          the account: its keys, contacts, binding, end; revocation
    server        *  HTTPS to the CA: connections, nonces, retries
    responses     *  what the CA sends, taken with suspicion
    keys             private keys, and what they sign
    certificates     names, certificate requests, chains
    files         *  read, replace and lock files
    status           --status and --check: tell, and change nothing

Private keys are read in `keys` alone. `server` alone opens a connection to a CA;
`challenges` fetches a challenge file back, where it is asked to check it, and starts
the program of --dns-hook. `files` writes the keys, the CSR, the chain and FILE.state,
and makes FILE.lock (a new key waits in KEY.next, and is renamed by `renewal` or
`account`); `challenges` writes the challenge files.
"""
