using Understudy.Torch;

namespace Understudy.Models;

/// <summary>Hidden states and the layer that makes logits of them. A loss takes both: then logits of a large vocabulary need not be kept.</summary>
/// <param name="Hidden">[..., hidden], as the layer reads them.</param>
/// <param name="Output">The output layer.</param>
/// <param name="Bias">[vocabulary], added to what the layer gives; null for nothing.</param>
public readonly record struct Prelogits(Tensor Hidden, Linear Output, Tensor? Bias = null)
{
    /// <summary>The logits, [..., vocabulary].</summary>
    public Tensor Logits()
    {
        if (Bias is null) return Output.forward(Hidden);
        using var scope = torch.NewDisposeScope();
        return scope.MoveToOuter(Output.forward(Hidden) + Bias);
    }

    /// <summary>Sum over rows of weight x cross-entropy of a row's logits against its class.</summary>
    /// <param name="targets">[rows] int64, as many as <see cref="Hidden"/> has rows.</param>
    /// <param name="weights">[rows] float32.</param>
    /// <param name="labelSmoothing">Share of the target spread evenly over all classes, from 0 to below 1.</param>
    /// <returns>A float32 scalar.</returns>
    internal Tensor CrossEntropy(Tensor targets, Tensor weights, double labelSmoothing)
    {
        using var scope = torch.NewDisposeScope();
        // Both biases would be one sum more for the sake of a case that no checkpoint has.
        if (Output is { Adapter: null, Weight: DenseWeight { Layout: LinearLayout.OutIn } dense } && (Bias is null || Output.Bias is null))
        {
            var rows = Hidden.reshape(-1, Hidden.size(-1));
            return scope.MoveToOuter(nn.functional.linear_cross_entropy(rows, dense.Value, Bias ?? Output.Bias, targets, weights, labelSmoothing));
        }

        var logits = Logits();
        return scope.MoveToOuter(nn.functional.weighted_cross_entropy(logits.reshape(-1, logits.size(-1)), targets, weights, labelSmoothing));
    }
}
