using Understudy.Torch;

namespace Understudy.Models;

/// <summary>What every causal model makes of its input before the first block.</summary>
/// <param name="Ids">[batch, tokens] int64, or [1, packed] without padding.</param>
/// <param name="Pattern">What the tokens may see.</param>
/// <param name="Positions">[batch, tokens] int64, or [1, packed]; null where they are those after the cached ones.</param>
/// <param name="Unpadding">How padding was taken out; null where it was not.</param>
internal sealed record CausalInput(Tensor Ids, AttentionPattern Pattern, Tensor? Positions, Unpadding? Unpadding)
{
    /// <summary>Checks the length of the rows, takes padding out where nobody needs it, and says where tokens stand and what they may see.</summary>
    /// <param name="model">The model.</param>
    /// <param name="limit">What its configuration calls the most tokens of a row.</param>
    /// <param name="inputIds">[batch, tokens] int64.</param>
    /// <param name="attentionMask">See <see cref="ICausalLanguageModel.Hidden"/>.</param>
    /// <param name="cache">Keys and values of the tokens before; null for none.</param>
    /// <param name="positionIds">See <see cref="ICausalLanguageModel.Hidden"/>.</param>
    /// <param name="keepsPadding">Whether padding has to stay, for hidden states that are compared or for a window.</param>
    /// <exception cref="ArgumentException">A row has more tokens than the model takes.</exception>
    internal static CausalInput Prepare(ICausalLanguageModel model, string limit, Tensor inputIds, Tensor? attentionMask, KeyValueCache? cache, Tensor? positionIds, bool keepsPadding)
    {
        var past = cache?.Length ?? 0;
        var tokens = inputIds.size(1);
        if (positionIds is null && past + tokens > model.MaxLength)
        {
            throw new ArgumentException($"A row of {past + tokens} tokens was given; the model takes at most {model.MaxLength} ({limit}). Shorten the text or set max_length.", nameof(inputIds));
        }

        var positions = positionIds ?? (attentionMask is null ? null : AttentionMasks.Positions(attentionMask, tokens));
        if (cache is null && !keepsPadding && Unpadding.Of(attentionMask) is { } unpadding)
        {
            return new CausalInput(unpadding.Pack(inputIds), new AttentionPattern(Starts: unpadding.Starts, IsCausal: true), unpadding.Pack(positions!), unpadding);
        }

        return attentionMask is null && past == 0
            ? new CausalInput(inputIds, new AttentionPattern(IsCausal: true), positions, null)
            : new CausalInput(inputIds, new AttentionPattern(AttentionMasks.Causal(attentionMask, tokens, past + tokens, inputIds.device)), positions, null);
    }

    /// <summary>Hidden states as the caller gave the tokens.</summary>
    internal Tensor Restore(Tensor hidden) => Unpadding?.Unpack(hidden) ?? hidden;

    /// <summary>The fault of a body whose logits are asked for.</summary>
    internal static InvalidOperationException NoHead() => new("This model was built without an output layer.");
}
