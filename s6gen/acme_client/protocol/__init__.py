"""What speaks to the CA: RFC 8555 over HTTPS."""
