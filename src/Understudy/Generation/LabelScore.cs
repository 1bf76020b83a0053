namespace Understudy.Generation;

/// <summary>How probable the candidate labels are after a prompt.</summary>
public sealed class LabelScore
{
    private readonly LabelTrie trie;
    private readonly double[] tokenLogProbabilities;

    internal LabelScore(int prompt, LabelTrie trie, double[] tokenLogProbabilities, bool lengthNormalize, double[]? contentFree)
    {
        (Prompt, this.trie, this.tokenLogProbabilities) = (prompt, trie, tokenLogProbabilities);
        LogProbabilities = [.. trie.Paths.Select(path => path.Sum(edge => tokenLogProbabilities[edge]))];
        var scores = new double[LogProbabilities.Length];
        for (var label = 0; label < scores.Length; label++)
        {
            scores[label] = lengthNormalize ? LogProbabilities[label] / trie.Paths[label].Length : LogProbabilities[label];
            if (contentFree is not null) scores[label] -= contentFree[label];
        }

        Probabilities = Softmax(scores);
        Best = Array.IndexOf(Probabilities, Probabilities.Max());
    }

    /// <summary>The number of the prompt in the list that was given.</summary>
    public int Prompt { get; }

    /// <summary>The natural-log probability of each label's tokens after the prompt, as the model has it: at most 0, neither normalised nor calibrated.</summary>
    public double[] LogProbabilities { get; }

    /// <summary>The distribution over the labels: of the log-probabilities after length normalisation and calibration, where asked for. Sums to 1.</summary>
    public double[] Probabilities { get; }

    /// <summary>The number of the most probable label; the lowest of equals.</summary>
    public int Best { get; }

    /// <summary>The natural-log probability of each token of a label after the prompt and the label's tokens before it.</summary>
    public double[] TokenLogProbabilities(int label) => [.. trie.Paths[label].Select(edge => tokenLogProbabilities[edge])];

    /// <summary>The distribution of scores.</summary>
    internal static double[] Softmax(double[] scores)
    {
        var max = scores.Max();
        var weights = scores.Select(score => Math.Exp(score - max)).ToArray();
        var total = weights.Sum();
        return [.. weights.Select(weight => weight / total)];
    }
}
