using Understudy.Models;

namespace Understudy.Generation;

/// <summary>
/// Scores candidate labels after prompts: the log-probability of every label, from one pass over the prompt and the tree of the labels' tokens, in which every branch sees the prompt
/// and itself. Not thread-safe.
/// </summary>
/// <remarks>For bfloat16 arithmetic open <see cref="Torch.torch.autocast"/> around the calls; probabilities are summed up in double precision either way.</remarks>
public sealed class LabelScorer
{
    private readonly ICausalLanguageModel model;
    private CandidateLabels labels;

    /// <summary>A scorer for a set of labels.</summary>
    /// <param name="model">The model; dropout is expected to be off.</param>
    /// <param name="labels">The tokens of each label as they follow a prompt, at least one each. End each with the token or line break that ends a label in the prompts, or
    /// a label that another begins with is favoured.</param>
    /// <param name="lengthNormalize">Whether a label's log-probability is divided by its number of tokens.</param>
    /// <exception cref="ArgumentException">A label is empty or unknown to the model, or two labels are the same.</exception>
    public LabelScorer(ICausalLanguageModel model, IReadOnlyList<IReadOnlyList<int>> labels, bool lengthNormalize = false)
    {
        ArgumentNullException.ThrowIfNull(model);
        this.model = model;
        this.labels = new CandidateLabels(labels, lengthNormalize);
        this.labels.Check(model.VocabularySize);
    }

    /// <summary>What was computed by the last call of <see cref="Score"/>.</summary>
    public EngineStatistics Statistics { get; private set; } = new();

    /// <summary>
    /// From now on takes off each label's score after prompts without content ("N/A", an empty text): a preference that has nothing to do with the text
    /// (Zhao et al., arXiv 2102.09690).
    /// </summary>
    /// <param name="prompts">At least one prompt; their distributions are averaged.</param>
    public void Calibrate(IReadOnlyList<IReadOnlyList<int>> prompts)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        if (prompts.Count == 0) throw new ArgumentException("Expected at least one prompt without content, found none.", nameof(prompts));
        labels = labels.Calibrated(null);
        var mean = new double[labels.Trie.Paths.Count];
        foreach (var score in Score(prompts))
        {
            for (var label = 0; label < mean.Length; label++) mean[label] += score.Probabilities[label] / prompts.Count;
        }

        // A label that underflows to nothing must not become infinitely probable.
        labels = labels.Calibrated([.. mean.Select(probability => Math.Log(Math.Max(probability, 1e-30)))]);
    }

    /// <summary>Scores all labels after every prompt.</summary>
    /// <param name="prompts">The tokens of each prompt. What prompts begin with in common is computed once.</param>
    /// <param name="batchSize">Prompts computed at once, at least 1.</param>
    /// <param name="cancellation">Checked before every step.</param>
    /// <returns>One score for each prompt, as they are found; <see cref="LabelScore.Prompt"/> says which prompt it belongs to.</returns>
    /// <exception cref="ArgumentException">A prompt is empty, too long for the model, or holds unknown tokens.</exception>
    /// <exception cref="InvalidDataException">The model's logits are not numbers.</exception>
    public IEnumerable<LabelScore> Score(IReadOnlyList<IReadOnlyList<int>> prompts, int batchSize = 32, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        for (var i = 0; i < prompts.Count; i++) DecodingInput.CheckRoom(prompts[i], labels.Trie.MaxDepth, $"Prompt {i}", model);
        return prompts.Count == 0 ? [] : Scores(prompts, batchSize, cancellation);
    }

    private IEnumerable<LabelScore> Scores(IReadOnlyList<IReadOnlyList<int>> prompts, int batchSize, CancellationToken cancellation)
    {
        using var engine = new InferenceEngine(model, new EngineOptions { MaxRows = batchSize });
        var requests = prompts.Select(prompt => new ScoringRequest(prompt, labels));
        engine.Check(requests);
        try
        {
            foreach (var result in engine.Run(requests, cancellation: cancellation)) yield return ((ScoringResult)result).Score;
        }
        finally
        {
            Statistics = engine.Statistics;
        }
    }
}
