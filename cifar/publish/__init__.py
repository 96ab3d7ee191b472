"""From this computer to the Hugging Face Hub: models, Spaces and a static site."""

from cifar.publish.model import push
from cifar.publish.space import deploy

__all__ = ["deploy", "push"]
