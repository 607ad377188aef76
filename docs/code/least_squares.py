"""An objective of one's own: least squares, of Mao et al. 2017 (arXiv 1611.04076), Eq. 9."""


def least_squares(real_logits, fake_logits):
    """D wants 1 for the encoder's pairs and 0 for the generator's, E and G the reverse.

    Where D cannot tell, its best logit is 1/2, and both losses are 1/4:

    >>> import torch
    >>> half = torch.full((8,), 0.5)
    >>> [loss.item() for loss in least_squares(half, half)]
    [0.25, 0.25]

    >>> from sklearn.datasets import load_digits
    >>> from sk_bigan import BiGANTransformer
    >>> X, _ = load_digits(return_X_y=True)
    >>> bigan = BiGANTransformer(objective=least_squares, max_epochs=10, random_state=0).fit(X)
    >>> bigan.score(X) > 0.5
    True
    """
    loss_d = 0.5 * ((real_logits - 1).square().mean() + fake_logits.square().mean())
    loss_eg = 0.5 * (real_logits.square().mean() + (fake_logits - 1).square().mean())
    return loss_d, loss_eg
