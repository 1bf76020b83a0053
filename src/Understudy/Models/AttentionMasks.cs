using Understudy.Torch;

namespace Understudy.Models;

/// <summary>Attention masks as numbers added to the scores: 0 where a token may look, a very negative number where it may not.</summary>
/// <remarks>Not minus infinity: a row that may look nowhere (padding on the left) would become NaN and spread.</remarks>
public static class AttentionMasks
{
    /// <summary>What is added to the score of a token that may not be seen.</summary>
    public const double Hidden = -1e30;

    /// <summary>Every token sees itself and the real tokens before it.</summary>
    /// <param name="attentionMask">[batch, keys] int64, 1 = a real token; null when all are; [batch, 1, tokens, keys] float32 is taken as it is.</param>
    /// <param name="tokens">Number of new tokens; they are the last of the keys.</param>
    /// <param name="keys">Number of all tokens.</param>
    /// <param name="device">Where the mask is needed.</param>
    /// <returns>[batch or 1, 1, tokens, keys] float32, or null when nothing is hidden.</returns>
    public static Tensor? Causal(Tensor? attentionMask, long tokens, long keys, Device device)
    {
        if (attentionMask is null && tokens == 1)
        {
            return null;
        }

        if (attentionMask?.ndim == 4) return attentionMask;

        using var scope = torch.NewDisposeScope();
        var mask = torch.full([tokens, keys], Hidden, device: device).triu(keys - tokens + 1).view(1, 1, tokens, keys);
        if (attentionMask is not null)
        {
            mask = mask.minimum(Padding(attentionMask)!);
        }

        return scope.MoveToOuter(mask);
    }

    /// <summary>Every token sees every real token.</summary>
    /// <param name="attentionMask">[batch, keys] int64, 1 = a real token; null when all are.</param>
    /// <returns>[batch, 1, 1, keys] float32, or null.</returns>
    public static Tensor? Padding(Tensor? attentionMask)
    {
        if (attentionMask is null)
        {
            return null;
        }

        using var scope = torch.NewDisposeScope();
        return scope.MoveToOuter(attentionMask.eq(0).to(ScalarType.Float32).mul(Hidden).unsqueeze(1).unsqueeze(1));
    }

    /// <summary>The position of every token: the number of real tokens before it.</summary>
    /// <param name="attentionMask">[batch, keys] int64.</param>
    /// <param name="tokens">How many of the last positions are wanted.</param>
    /// <returns>[batch, tokens] int64.</returns>
    public static Tensor Positions(Tensor attentionMask, long tokens)
    {
        ArgumentNullException.ThrowIfNull(attentionMask);
        using var scope = torch.NewDisposeScope();
        var positions = (attentionMask.cumsum(-1) - 1).clamp(0, long.MaxValue);
        return scope.MoveToOuter(positions.narrow(1, attentionMask.size(1) - tokens, tokens));
    }
}
