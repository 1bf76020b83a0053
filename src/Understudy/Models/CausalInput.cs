using Understudy.Torch;

namespace Understudy.Models;

/// <summary>What every causal model makes of its input before the first block.</summary>
internal static class CausalInput
{
    /// <summary>Checks the length of the rows, and says where tokens stand and what they may see.</summary>
    /// <param name="model">The model.</param>
    /// <param name="limit">What its configuration calls the most tokens of a row.</param>
    /// <param name="inputIds">[batch, tokens] int64.</param>
    /// <param name="attentionMask">See <see cref="ICausalLanguageModel.Hidden"/>.</param>
    /// <param name="past">Tokens in the cache.</param>
    /// <param name="positionIds">See <see cref="ICausalLanguageModel.Hidden"/>.</param>
    /// <returns>[batch or 1, 1, tokens, keys] added to the scores, null where nothing is hidden; positions [batch, tokens], null where they are those after <paramref name="past"/>.</returns>
    /// <exception cref="ArgumentException">A row has more tokens than the model takes.</exception>
    internal static (Tensor? Mask, Tensor? Positions) Prepare(ICausalLanguageModel model, string limit, Tensor inputIds, Tensor? attentionMask, int past, Tensor? positionIds)
    {
        var tokens = inputIds.size(1);
        if (positionIds is null && past + tokens > model.MaxLength)
        {
            throw new ArgumentException($"A row of {past + tokens} tokens was given; the model takes at most {model.MaxLength} ({limit}). Shorten the text or set max_length.", nameof(inputIds));
        }

        return (AttentionMasks.Causal(attentionMask, tokens, past + tokens, inputIds.device), positionIds ?? (attentionMask is null ? null : AttentionMasks.Positions(attentionMask, tokens)));
    }

    /// <summary>The fault of a body whose logits are asked for.</summary>
    internal static InvalidOperationException NoHead() => new("This model was built without an output layer.");
}
