using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Training;

/// <summary>Training losses as sums, so that gradient accumulation divides by what the whole batch holds.</summary>
public static class Losses
{
    /// <summary>The label of a token that does not count.</summary>
    public const long IgnoreIndex = -100;

    /// <summary>Cross-entropy of every next token, summed. The shift happens here, and only here: the logits of a token are held against the label of the next.</summary>
    /// <param name="logits">[batch, tokens, vocabulary], float32 or bfloat16.</param>
    /// <param name="labels">[batch, tokens] int64: the tokens themselves, <see cref="IgnoreIndex"/> where a token does not count as a target.</param>
    /// <param name="weights">[batch, tokens] float32, the weight of a token as a target; null for 1.</param>
    /// <param name="labelSmoothing">Share of the target spread evenly over the vocabulary, from 0 to below 1.</param>
    /// <returns>A float32 scalar: sum of weight x cross-entropy. Divide by <see cref="NextTokenWeight"/>.</returns>
    public static Tensor NextTokenSum(Tensor logits, Tensor labels, Tensor? weights = null, double labelSmoothing = 0)
    {
        using var scope = torch.NewDisposeScope();
        var (targets, counted) = NextTokens(labels, weights);
        return scope.MoveToOuter(nn.functional.weighted_cross_entropy(logits.view(-1, logits.size(-1)), targets, counted, labelSmoothing));
    }

    /// <summary>The same without keeping logits, and computed for the tokens that count alone; divided at once.</summary>
    /// <param name="prelogits">Of hidden states [batch, tokens, hidden].</param>
    /// <param name="labels">[batch, tokens] int64: the tokens themselves, <see cref="IgnoreIndex"/> where a token does not count as a target.</param>
    /// <param name="divisor">What the sum is divided by, above 0: <see cref="NextTokenWeight"/> of the whole batch.</param>
    /// <param name="weights">[batch, tokens] float32, the weight of a token as a target; null for 1.</param>
    /// <param name="labelSmoothing">Share of the target spread evenly over the vocabulary, from 0 to below 1.</param>
    /// <returns>A float32 scalar.</returns>
    public static Tensor NextToken(Prelogits prelogits, Tensor labels, double divisor, Tensor? weights = null, double labelSmoothing = 0)
    {
        using var scope = torch.NewDisposeScope();
        var (targets, counted) = NextTokens(labels, weights);
        return scope.MoveToOuter(prelogits.CrossEntropy(targets, counted / divisor, labelSmoothing));
    }

    /// <summary>What <see cref="NextTokenSum"/> is divided by: the sum of the weights of the targets.</summary>
    public static double NextTokenWeight(Tensor labels, Tensor? weights = null)
    {
        using var scope = torch.NewDisposeScope();
        var counted = labels.narrow(1, 1, labels.size(1) - 1).ne(IgnoreIndex).to(ScalarType.Float64);
        if (weights is not null)
        {
            counted = counted * weights.narrow(1, 1, labels.size(1) - 1).to(ScalarType.Float64);
        }

        return counted.sum().item<double>();
    }

    /// <summary>Cross-entropy of masked tokens, summed; no shift.</summary>
    /// <param name="logits">[batch, tokens, vocabulary].</param>
    /// <param name="labels">[batch, tokens] int64, <see cref="IgnoreIndex"/> where nothing is masked.</param>
    /// <returns>A float32 scalar; divide by the number of labels that count.</returns>
    public static Tensor MaskedTokenSum(Tensor logits, Tensor labels) => TargetTokenSum(logits, labels);

    /// <summary>Cross-entropy of an encoder-decoder's targets, summed. The logits of a token are held against its own label: the shift is in the decoder's input, see <see cref="DecoderInput"/>.</summary>
    /// <param name="logits">[batch, target, vocabulary].</param>
    /// <param name="labels">[batch, target] int64, <see cref="IgnoreIndex"/> where a token does not count.</param>
    /// <param name="weights">[batch, target] float32, the weight of a token; null for 1.</param>
    /// <param name="labelSmoothing">Share of the target spread evenly over the vocabulary, from 0 to below 1.</param>
    /// <returns>A float32 scalar; divide by the weights of the labels that count.</returns>
    public static Tensor TargetTokenSum(Tensor logits, Tensor labels, Tensor? weights = null, double labelSmoothing = 0)
    {
        using var scope = torch.NewDisposeScope();
        var targets = labels.view(-1);
        var counted = targets.ne(IgnoreIndex).to(ScalarType.Float32);
        if (weights is not null) counted *= weights.view(-1);
        return scope.MoveToOuter(nn.functional.weighted_cross_entropy(logits.view(-1, logits.size(-1)), targets, counted, labelSmoothing));
    }

    /// <summary>The same without keeping logits, and computed for the tokens that count alone; divided at once.</summary>
    /// <param name="prelogits">Of hidden states [batch, target, hidden].</param>
    /// <param name="labels">[batch, target] int64, <see cref="IgnoreIndex"/> where a token does not count.</param>
    /// <param name="divisor">What the sum is divided by, above 0: the weights of the labels that count.</param>
    /// <param name="weights">[batch, target] float32, the weight of a token; null for 1.</param>
    /// <param name="labelSmoothing">Share of the target spread evenly over the vocabulary, from 0 to below 1.</param>
    /// <returns>A float32 scalar.</returns>
    public static Tensor TargetToken(Prelogits prelogits, Tensor labels, double divisor, Tensor? weights = null, double labelSmoothing = 0)
    {
        using var scope = torch.NewDisposeScope();
        var targets = labels.view(-1);
        var counted = targets.ne(IgnoreIndex).to(ScalarType.Float32);
        if (weights is not null) counted *= weights.view(-1);
        return scope.MoveToOuter(prelogits.CrossEntropy(targets, counted / divisor, labelSmoothing));
    }

    /// <summary>What a decoder reads when it is to say the labels: the labels shifted right by the start token (transformers' <c>shift_tokens_right</c>).</summary>
    /// <param name="labels">[batch, target] int64, <see cref="IgnoreIndex"/> at padding.</param>
    /// <param name="decoderStartTokenId">Id that every target begins with.</param>
    /// <param name="padTokenId">Id that stands where a label does not count.</param>
    /// <returns>[batch, target] int64.</returns>
    public static Tensor DecoderInput(Tensor labels, int decoderStartTokenId, int padTokenId)
    {
        using var scope = torch.NewDisposeScope();
        var start = torch.full([labels.size(0), 1], decoderStartTokenId, ScalarType.Int64, labels.device);
        var shifted = torch.cat([start, labels.narrow(1, 0, labels.size(1) - 1)], 1);
        return scope.MoveToOuter(shifted.masked_fill(shifted.eq(IgnoreIndex), padTokenId));
    }

    /// <summary>Cross-entropy against one class per row, summed with the rows' weights.</summary>
    /// <param name="logits">[rows, classes].</param>
    /// <param name="labels">[rows] int64.</param>
    /// <param name="weights">[rows] float32.</param>
    /// <param name="labelSmoothing">Share of the target spread evenly over all classes, from 0 to below 1.</param>
    /// <returns>A float32 scalar; divide by the sum of the weights.</returns>
    public static Tensor ClassSum(Tensor logits, Tensor labels, Tensor weights, double labelSmoothing = 0) =>
        nn.functional.weighted_cross_entropy(logits, labels, weights, labelSmoothing);

    /// <summary>Cross-entropy against a distribution per row, summed with the rows' weights.</summary>
    /// <param name="logits">[rows, classes].</param>
    /// <param name="probabilities">[rows, classes] float32; each row sums to 1.</param>
    /// <param name="weights">[rows] float32.</param>
    /// <param name="labelSmoothing">Share of the target spread evenly over all classes, from 0 to below 1.</param>
    /// <returns>A float32 scalar; divide by the sum of the weights.</returns>
    public static Tensor DistributionSum(Tensor logits, Tensor probabilities, Tensor weights, double labelSmoothing = 0)
    {
        using var scope = torch.NewDisposeScope();
        var targets = labelSmoothing > 0
            ? (probabilities * (1 - labelSmoothing)) + (labelSmoothing / probabilities.size(-1))
            : probabilities;
        var perRow = -(logits.log_softmax(-1, ScalarType.Float32) * targets).sum(-1);
        return scope.MoveToOuter((perRow * weights).sum());
    }

    /// <summary>The target of every token, and how much it counts: both [batch x tokens].</summary>
    private static (Tensor Targets, Tensor Weights) NextTokens(Tensor labels, Tensor? weights)
    {
        using var scope = torch.NewDisposeScope();
        var tokens = labels.size(1);
        // Moving the labels instead of the logits saves a copy of the largest tensor of a step.
        var ignored = torch.full([labels.size(0), 1], IgnoreIndex, ScalarType.Int64, labels.device);
        var targets = torch.cat([labels.narrow(1, 1, tokens - 1), ignored], 1).view(-1);
        var counted = targets.ne(IgnoreIndex).to(ScalarType.Float32);
        if (weights is not null)
        {
            var none = torch.zeros([labels.size(0), 1], device: labels.device);
            counted = counted * torch.cat([weights.narrow(1, 1, tokens - 1), none], 1).view(-1);
        }

        return (scope.MoveToOuter(targets), scope.MoveToOuter(counted));
    }
}
