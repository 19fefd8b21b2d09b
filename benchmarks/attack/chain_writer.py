"""Move tokens between two accounts of a chain for ever, naming each block once it is confirmed."""

import sys
from pathlib import Path

from consensus import Chain, throwaway_key
from consensus.chain.calls import Transfer


def main() -> None:
    path = Path(sys.argv[1])
    keys = [throwaway_key(5, name) for name in ("one", "other")]
    balances = {key.ss58_address: 10**15 for key in keys}
    with Chain.open(path) if path.exists() else Chain.development(path, balances=balances) as chain:
        while True:
            for key, other in (keys, keys[::-1]):
                for _ in range(20):
                    chain.call(key, Transfer(other.ss58_address, 12_345))
            closed = chain.block
            chain.step()
            print(closed, flush=True)


main()
