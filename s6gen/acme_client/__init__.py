"""Keeps one TLS certificate current by ACME (RFC 8555, RFC 9773).

Needs Python 3.11 and the `acme` package, nothing else: this directory may be copied
and run alone, as `python3 -I DIRECTORY/__main__.py`. FILE is the chain that --out
names. Times are seconds since 1970, and a section without a name is one of RFC 8555.
Read it in this order; what has a star works without the acme package.

    __main__                    *  the hourly run: mostly nothing else is read
    messages                    *  errors, exit codes, lines on stderr
    command_line                *  the options, as argparse knows them
    options                     *  the command line as a frozen record, checked
    command                     *  what is to be done, and the signals that end it
    names                       *  domain names and addresses, as they are compared
    threads                     *  waits for what no signal ends
    files                       *  read and replace files
    locks                       *  one run at a time
    state/records               *  what one run tells the next, as frozen records
    state/json_form             *  the same in JSON, of this version or another
    state/state_file            *  FILE.state
    renewal/schedule            *  when a renewal is due, how long a failure waits
    renewal/ledger              *  what was issued, and when more may be: pure decisions
    renewal/idle                *  until when nothing is due, for the hourly run
    renewal/early                  an order before its time: if the ledger allows it
    renewal/installed              the chain in FILE, and what is wrong with it
    renewal/current                keeps FILE current: inspect, decide, ask, order
    renewal/attempts               a new order, until FILE is new
    renewal/earlier_order          an order of an earlier run, gone on with
    renewal/outcome             *  what became of it, remembered
    protocol/order                 one order, from status to status until it is valid
    protocol/authorizations        its authorizations, until all are valid
    protocol/challenges            challenge files and TXT records: planned, and made
    protocol/challenge_files    *  the open --acme-dir, and the files in it
    protocol/removal               files and records removed: only what was made
    protocol/download              its chain, fetched and chosen
    protocol/account               the account: created or found; signed requests
    protocol/known_accounts     *  KEY.account: the URLs of its accounts
    protocol/account_commands      --revoke, --deactivate, --roll-over
    protocol/renewal_info       *  the CA is asked when it wants a renewal
    protocol/server             *  HTTPS to the CA: requests, nonces, retries
    protocol/connections        *  a connection to each of its hosts
    protocol/trust              *  the roots that verify the CA's own TLS
    protocol/responses          *  what the CA sends, taken with suspicion
    serving/look                *  --serves: asks until the new certificate is served
    serving/address             *  HOST:PORT, and the addresses that it has
    serving/connection          *  what a server says, bounded in time and size
    serving/starttls            *  what is said before TLS, for each protocol
    serving/handshake           *  TLS until the server has shown its certificate
    serving/verdict             *  what was seen instead, and the exit code
    serving/leaf                   a certificate's names, serial number and end
    keys                           private keys, and what they sign
    csr                            certificate requests, and the keys that they are for
    certificates                   what requests and certificates say
    chains                         a chain built from what came, verified
    deployed                    *  --deployed: root's records of a deployment
    status                         --status and --check: tell, and change nothing

Private keys are read in `keys`; `files` copies one where it is put in place.
`protocol/connections` alone opens a connection to a CA, `serving/look` alone one to a
server that is looked at; `protocol/challenges` fetches a challenge file back, where it
is asked to check it, and starts the program that --dns-hook names. `files` writes the
keys, the CSR, the chain, KEY.account and FILE.state (a new key waits in KEY.next),
`locks` makes FILE.lock, and `protocol/challenge_files` makes and removes the challenge
files.
"""
