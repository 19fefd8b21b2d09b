"""The command line. Each command is loaded only when it is called or listed."""

COMMANDS = {
    "run": "lab.cli.runs:app",
    "report": "lab.cli.runs:app",
    "audit": "lab.cli.runs:app",
    "compare": "lab.cli.runs:app",
    "status": "lab.cli.status:app",
    "submit": "lab.cli.cluster.submit:app",
    "cluster": "lab.cli.cluster.cluster:app",
    "study": "lab.cli.studies:app",
    "list": "lab.cli.catalogue:app",
    "models": "lab.cli.models:app",
    "doctor": "lab.cli.doctor:app",
    "miner": "lab.cli.miners:app",
    "wallet": "lab.cli.chain.wallet:app",
    "faucet": "lab.cli.chain.account:app",
    "transfer": "lab.cli.chain.account:app",
    "subnet": "lab.cli.chain.subnet:app",
    "register": "lab.cli.chain.neuron:app",
    "recycle_register": "lab.cli.chain.neuron:app",
    "pow-register": "lab.cli.chain.neuron:app",
    "serve": "lab.cli.chain.neuron:app",
    "stake": "lab.cli.chain.stake:app",
    "weights": "lab.cli.chain.weights:app",
    "metagraph": "lab.cli.chain.metagraph:app",
    "chain": "lab.cli.chain.chain:app",
}
"""Name of a command -> the Typer app that is this group, or that holds a command of this name."""
