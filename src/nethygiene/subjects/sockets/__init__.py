"""The shelf of sockets: who listens, who is connected, what waits in their queues."""
