"""Run a training again, and compare its weights with those of the model that it made before."""

from collections.abc import Mapping

from jobs.claim import Claim
from stepbox.errors import InvalidInputError, NotFoundError
from stepbox.store.reproduction import compare
from worker.checkpoints import Checkpoints
from worker.reporter import Reporter
from worker.stores import Stores
from worker.training import prepare, run_epochs


def reproduce(stores: Stores, claim: Claim, reporter: Reporter) -> Mapping[str, str]:
    """Run the claimed training, publish nothing, and return the field `reproduction`.

    An attempt that is killed before the job ends compares again.
    """
    assert claim.recipe is not None
    assert claim.reproduces is not None
    trainer = prepare(stores, claim)
    test_set = stores.datasets.load(claim.recipe.dataset, "test")
    with Checkpoints(stores.checkpoints, claim, reporter) as checkpoints:
        run_epochs(trainer, test_set, checkpoints, reporter)
    try:
        card = stores.models.card(claim.reproduces)
    except NotFoundError:  # deleted since the job was accepted
        detail = f"the model {claim.reproduces}, which it should reproduce, has been deleted"
        raise InvalidInputError.at("", detail) from None
    found = compare(
        card, trainer.network(), trainer.train_set.spec, trainer.device, trainer.computer()
    )
    return {"reproduction": found.model_dump_json()}
