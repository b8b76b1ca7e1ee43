"""The mathematics behind the networks, to look at; nothing here is trained or stored."""
