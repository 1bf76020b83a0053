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
    /// <param name="slidingWindow">How many tokens a token sees, itself included; null for all before it.</param>
    /// <param name="positionIds">[batch, tokens] int64, needed for a window together with a mask that is taken as it is.</param>
    /// <returns>[batch or 1, 1, tokens, keys] float32, or null when nothing is hidden.</returns>
    public static Tensor? Causal(Tensor? attentionMask, long tokens, long keys, Device device, int? slidingWindow = null, Tensor? positionIds = null)
    {
        // A window that holds all keys hides nothing.
        var window = slidingWindow < keys ? slidingWindow : null;
        if (attentionMask is null && tokens == 1 && window is null)
        {
            return null;
        }

        if (attentionMask?.ndim == 4)
        {
            return window is { } size
                ? Windowed(attentionMask, positionIds ?? throw new ArgumentNullException(nameof(positionIds)), size)
                : attentionMask;
        }

        using var scope = torch.NewDisposeScope();
        var mask = torch.full([tokens, keys], Hidden, device: device).triu(keys - tokens + 1);
        if (window is { } tokensSeen)
        {
            mask = mask.minimum(torch.full([tokens, keys], Hidden, device: device).tril(keys - tokens - tokensSeen));
        }

        mask = mask.view(1, 1, tokens, keys);
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

    /// <summary>A mask that is taken as it is, narrowed to the keys whose position is less than a window before the token's.</summary>
    /// <param name="mask">[batch, 1, tokens, keys] float32; the first token sees every real key of the cache.</param>
    /// <param name="positionIds">[batch, tokens] int64.</param>
    /// <param name="window">Positions a token sees, its own included.</param>
    private static Tensor Windowed(Tensor mask, Tensor positionIds, int window)
    {
        using var scope = torch.NewDisposeScope();
        var tokens = mask.size(2);
        var past = mask.size(3) - tokens;
        var real = mask.select(2, 0).select(1, 0).narrow(1, 0, past).ge(0).to(ScalarType.Int64);   // [batch, past]
        var keyPositions = torch.cat([real.cumsum(1) - 1, positionIds], 1).unsqueeze(1);           // [batch, 1, keys]
        var tooFar = keyPositions.le(positionIds.unsqueeze(2) - window).unsqueeze(1);              // [batch, 1, tokens, keys]
        return scope.MoveToOuter(mask.masked_fill(tooFar, Hidden));
    }
}
