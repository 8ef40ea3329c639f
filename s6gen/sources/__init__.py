"""s6-rc source directories, as s6-rc-compile reads them."""
