"""How clients speak with a node: HTTP and a WebSocket under `/v1`, metrics, and a page for people."""
