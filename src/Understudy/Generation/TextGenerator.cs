using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Generation;

/// <summary>Continues prompts with a causal language model, or makes targets for sources with an encoder-decoder; an <see cref="InferenceEngine"/> for a list of prompts that are treated alike. Not thread-safe.</summary>
/// <remarks>For bfloat16 arithmetic open <see cref="torch.autocast"/> around the calls.</remarks>
public sealed class TextGenerator
{
    private readonly Func<EngineOptions, InferenceEngine> engineOf;
    private readonly GenerationSettings settings;

    /// <summary>A generator.</summary>
    /// <param name="model">The model; dropout is expected to be off.</param>
    /// <param name="processors">What changes the logits, in order.</param>
    /// <param name="doSample">Whether tokens are drawn; otherwise the most probable one is taken.</param>
    /// <param name="stop">When a text ends.</param>
    public TextGenerator(ICausalLanguageModel model, IReadOnlyList<ILogitsProcessor> processors, bool doSample, StopCondition stop)
        : this(options => new InferenceEngine(model, options), processors, doSample, stop)
    {
    }

    /// <summary>A generator of targets; a prompt's tokens are those of its source, and what it generates does not hold the token that every target begins with.</summary>
    /// <param name="model">The model; dropout is expected to be off.</param>
    /// <param name="processors">What changes the logits, in order.</param>
    /// <param name="doSample">Whether tokens are drawn; otherwise the most probable one is taken.</param>
    /// <param name="stop">When a text ends.</param>
    /// <param name="decoderStartTokenId">Id that targets begin with; null for the model's own.</param>
    public TextGenerator(ISequenceToSequenceModel model, IReadOnlyList<ILogitsProcessor> processors, bool doSample, StopCondition stop, int? decoderStartTokenId = null)
        : this(options => new InferenceEngine(model, options, decoderStartTokenId), processors, doSample, stop)
    {
        _ = new SequenceToSequenceDecoding(model, decoderStartTokenId);
    }

    private TextGenerator(Func<EngineOptions, InferenceEngine> engineOf, IReadOnlyList<ILogitsProcessor> processors, bool doSample, StopCondition stop) =>
        (this.engineOf, settings) = (engineOf, new GenerationSettings(processors, doSample, stop));

    /// <summary>What was computed by the last call of <see cref="Generate"/>.</summary>
    public EngineStatistics Statistics { get; private set; } = new();

    /// <summary>Generates all continuations.</summary>
    /// <param name="prompts">The prompts. What they begin with in common is computed once.</param>
    /// <param name="batchSize">Continuations computed at once, at least 1.</param>
    /// <param name="cancellation">Checked before every token.</param>
    /// <returns>The texts as they end; <see cref="GeneratedText.Prompt"/> says which prompt one belongs to.</returns>
    /// <exception cref="ArgumentException">A prompt is empty, too long for the model, or holds unknown tokens.</exception>
    /// <exception cref="InvalidDataException">The model's logits are not numbers, or all tokens are forbidden.</exception>
    public IEnumerable<GeneratedText> Generate(IReadOnlyList<GenerationPrompt> prompts, int batchSize = 32, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        if (prompts.FirstOrDefault(prompt => prompt.Samples < 1) is { } bad) throw new ArgumentException($"Expected at least 1 sample of a prompt, found {bad.Samples}.", nameof(prompts));
        return prompts.Count == 0 ? [] : Texts(prompts, batchSize, cancellation);
    }

    private IEnumerable<GeneratedText> Texts(IReadOnlyList<GenerationPrompt> prompts, int batchSize, CancellationToken cancellation)
    {
        var requests = prompts.Select(prompt => new GenerationRequest(prompt.Tokens, settings) { Seed = prompt.Seed, Samples = prompt.Samples, Constraint = prompt.Constraint });
        using var engine = engineOf(new EngineOptions { MaxRows = batchSize });
        // Before anything is computed: the last prompt's fault is not worth an hour.
        engine.Check(requests);
        try
        {
            foreach (var result in engine.Run(requests, cancellation: cancellation).Cast<GenerationResult>())
                yield return new GeneratedText((int)result.Request, result.Sample, result.Tokens, result.Text, result.Reason);
        }
        finally
        {
            Statistics = engine.Statistics;
        }
    }
}
