namespace Understudy.Generation;

/// <summary>
/// Makes tokens that occur in the row already, prompt included, less probable: positive logits are divided by the penalty, negative ones
/// multiplied (Keskar et al., arXiv 1909.05858). A token is punished once, however often it occurs.
/// </summary>
public sealed class RepetitionPenaltyLogitsProcessor : ILogitsProcessor
{
    private readonly float penalty;

    /// <summary>A processor for a penalty above 0; above 1 punishes, below 1 rewards.</summary>
    public RepetitionPenaltyLogitsProcessor(double penalty)
    {
        if (!(penalty > 0)) throw new ArgumentOutOfRangeException(nameof(penalty), penalty, "Expected a penalty above 0.");
        this.penalty = (float)penalty;
    }

    /// <inheritdoc/>
    public void Process(Span<float> logits, RowTokens row, SamplingScratch scratch)
    {
        scratch.ForgetSeen(logits.Length);
        foreach (var token in row.Tokens)
        {
            if (!scratch.FirstSeen(token)) continue;
            ref var logit = ref logits[token];
            logit = logit < 0 ? logit * penalty : logit / penalty;
        }
    }
}
