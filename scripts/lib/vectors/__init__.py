"""Golden vectors: every byte string that both programs must agree on, made by the node's code."""

from scripts.lib.vectors.founding import genesis, invite
from scripts.lib.vectors.hybrid_network import hybrid_network
from scripts.lib.vectors.keys import addresses, domains, hybrid, wallets
from scripts.lib.vectors.proofs import audit, merkle, proofs
from scripts.lib.vectors.transactions import commitment, transactions

FILES = {
    "domains.json": domains,
    "wallets.json": wallets,
    "hybrid.json": hybrid,
    "hybrid_network.json": hybrid_network,
    "addresses.json": addresses,
    "genesis.json": genesis,
    "invite.json": invite,
    "commitment.json": commitment,
    "transactions.json": transactions,
    "audit.json": audit,
    "merkle.json": merkle,
    "proofs.json": proofs,
}
