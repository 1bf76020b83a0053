using Understudy.Data;
using Understudy.Generation;
using Understudy.Models;

namespace Understudy.Recipes;

/// <summary>
/// Labels scored after prompts, in turns with what takes every label for a text of its own: a row of the prompt and the label for each of them, through the same kernels, with no beginning shared.
/// </summary>
internal static class BenchLabelScoring
{
    private const double Goal = 15;

    // Tokens of a label, the line break that ends it among them.
    private const int ShortestLabel = 2;
    internal const int LongestLabel = 5;

    // A line break in the vocabulary of GPT-NeoX.
    private const int LineBreak = 187;

    // One of this many prompts is scored with a prompt for every label, which takes so much longer.
    private const int FewerPrompts = 8;

    /// <summary><see cref="BenchGenerateItem.Labels"/>.</summary>
    internal static BenchGenerateRow Measure(BenchStand stand, string shape, ICausalLanguageModel model)
    {
        var options = stand.Options;
        var work = BenchInferenceWork.Of(model);
        var labels = Labels(options.Labels, model.VocabularySize, stand.Random.Fork("labels"));
        var together = new CandidateLabels(labels);
        List<CandidateLabels> each = [.. labels.Select(label => new CandidateLabels([label]))];
        var fewer = Math.Max(1, options.LabelPrompts / FewerPrompts);
        var rounds = stand.Rounds(options.Repeats, true, round =>
        {
            var random = stand.Random.Fork("label prompts", round);
            var prompts = Enumerable.Range(0, options.LabelPrompts).Select(_ => BenchStand.Tokens(options.LabelPromptLength, model.VocabularySize, random)).ToList();
            var (seconds, _) = stand.Run(model, prompts.Select(prompt => new ScoringRequest(prompt, together)), new EngineOptions { MaxRows = options.Rows });
            var (apart, _) = stand.Run(model, prompts.Take(fewer).SelectMany(prompt => each.Select(label => new ScoringRequest(prompt, label))), stand.Engine);
            var (rate, slow) = (options.LabelPrompts / seconds, fewer / apart);
            return new Dictionary<string, double> { [BenchStand.Rate] = rate, ["rows/s with a prompt for every label"] = slow, ["x a prompt for every label"] = rate / slow };
        });
        // A token is computed only where another follows it; what follows the prompt is known from its last token.
        var nodes = together.Trie.Passes.Sum(pass => pass.Nodes.Length);
        var separate = labels.Sum(label => (long)options.LabelPromptLength + label.Length - 1);
        return new BenchGenerateRow(
            BenchGenerateItem.Labels, shape,
            FormattableString.Invariant($"{options.LabelPrompts} prompts of {options.LabelPromptLength} tokens, {labels.Count} labels of {ShortestLabel} to {LongestLabel} tokens with the line break that ends them; {options.LabelPromptLength + nodes} tokens are computed for a prompt, {separate:N0} with a prompt for every label, measured on {fewer} prompts"),
            BenchDecoding.Rate(rounds), "rows/s", BenchDecoding.GemmShare(rounds, work.Operations(options.LabelPromptLength + nodes, nodes + 1)), null, null,
            new BenchGoal("x a prompt for every label", Bench.Median(rounds.Select(round => round.Figures["x a prompt for every label"])), Goal), rounds);
    }

    /// <summary>
    /// Labels as names of intents are: words that come again, many names with the same first one. A fifth as many first tokens as labels, a quarter as many others; all lengths equally often as far as
    /// there are different labels of them.
    /// </summary>
    internal static List<int[]> Labels(int count, int vocabulary, SeededRandom random)
    {
        var lineBreak = Math.Min(LineBreak, vocabulary - 1);
        var words = random.Permutation(vocabulary - 1).Select(token => token + 1).Where(token => token != lineBreak).ToArray();
        var firsts = Math.Clamp(count / 5, 2, words.Length / 2);
        var others = Math.Clamp(count / 4, 2, words.Length - firsts);
        var labels = new List<int[]>();
        var known = new HashSet<string>();
        while (labels.Count < count)
        {
            var length = ShortestLabel + random.NextInt(LongestLabel - ShortestLabel + 1);
            int[] label = [words[random.NextInt(firsts)], .. Enumerable.Range(0, length - 2).Select(_ => words[firsts + random.NextInt(others)]), lineBreak];
            if (known.Add(string.Join(' ', label))) labels.Add(label);
        }

        return labels;
    }
}
