"""Whether what would be deployed works by itself: judged on this machine, without the network and without an account."""
