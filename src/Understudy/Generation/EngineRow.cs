using System.Runtime.InteropServices;
using Understudy.Data;

namespace Understudy.Generation;

/// <summary>A row that waits or is computed: one text of a request, or one prompt to be scored after.</summary>
internal sealed class EngineRow
{
    private readonly TokenConstraintState? constraint;

    /// <summary>A row.</summary>
    /// <param name="id">The number of its request.</param>
    /// <param name="request">The request.</param>
    /// <param name="sample">The number of the continuation.</param>
    /// <param name="beginning">Its tokens before the first new one.</param>
    /// <param name="room">The most new tokens.</param>
    internal EngineRow(long id, EngineRequest request, int sample, IEnumerable<int> beginning, int room)
    {
        (Id, Request, Sample) = (id, request, sample);
        Tokens = [.. beginning];
        PromptLength = Tokens.Count;
        switch (request)
        {
            case GenerationRequest generation:
                Random = new SeededRandom(generation.Seed).Fork("sample", sample);
                Stop = generation.Settings.Stop.NewRow(room);
                constraint = generation.Constraint?.Begin();
                Draw = Settings.DoSample ? DrawSettings.Of(Settings.Processors) : null;
                break;
            case ScoringRequest scoring:
                Scores = new double[scoring.Labels.Trie.Edges.Count];
                break;
        }
    }

    /// <summary>The number of its request.</summary>
    internal long Id { get; }

    /// <summary>The request.</summary>
    internal EngineRequest Request { get; }

    /// <summary>The number of the continuation.</summary>
    internal int Sample { get; }

    /// <summary>Prompt and new tokens.</summary>
    internal List<int> Tokens { get; }

    /// <summary>Tokens of the prompt.</summary>
    internal int PromptLength { get; }

    /// <summary>The row's own generator; null where nothing is generated.</summary>
    internal SeededRandom? Random { get; }

    /// <summary>Watches for its end; null where nothing is generated.</summary>
    internal StopMatcher? Stop { get; }

    /// <summary>The log-probabilities of the labels' edges; null where nothing is scored.</summary>
    internal double[]? Scores { get; }

    /// <summary>The classes' logits, once they are computed; null where nothing is classified.</summary>
    internal float[]? Logits { get; set; }

    /// <summary>Whether its prompt is in the statistics: a row that begins again is not counted twice.</summary>
    internal bool IsCounted { get; set; }

    /// <summary>What stopped it; null where nothing did.</summary>
    internal Exception? Fault { get; private set; }

    /// <summary>How it picks tokens and ends.</summary>
    internal GenerationSettings Settings => ((GenerationRequest)Request).Settings;

    /// <summary>How a token is drawn in one go; null where nothing is drawn, or not in one go.</summary>
    internal DrawSettings? Draw { get; }

    /// <summary>Whether its logits are changed before a token is picked in one go, or picked by the processors themselves.</summary>
    internal bool HasProcessors => constraint is not null || (Draw is { } draw ? draw.Before.Count > 0 : Settings.Processors.Count > 0 || Settings.DoSample);

    /// <summary>Takes the next token.</summary>
    /// <returns>Whether the text has ended with it.</returns>
    internal bool Append(int token)
    {
        Tokens.Add(token);
        constraint?.Append(token);
        // A text that is whole with the last token that fits is whole.
        return (constraint is { IsComplete: true } && Stop!.Complete(token)) || Stop!.Append(token);
    }

    /// <summary>Does something of the row's own: what its processors, its constraint or its decoding throw stops this row and no other.</summary>
    internal void Try(Action action)
    {
        if (Fault is not null) return;
        try
        {
            action();
        }
        catch (Exception error)
        {
            Fault = error;
        }
    }

    /// <summary>Stops the row.</summary>
    internal void Fail(Exception fault) => Fault ??= fault;

    /// <summary>What has come of it.</summary>
    internal EngineResult Result() => Request switch
    {
        ClassificationRequest => new ClassificationResult(Id, Logits!),
        ScoringRequest scoring => new ScoringResult(Id, scoring.Labels.Score((int)Id, Scores!)),
        _ => new GenerationResult(Id, Sample, Stop!.Tokens, Stop.Text(), Stop.Finished!.Value),
    };

    /// <summary>The next token by its processors.</summary>
    /// <param name="logits">Overwritten.</param>
    /// <param name="scratch">Buffers of the thread.</param>
    internal int Pick(Span<float> logits, SamplingScratch scratch)
    {
        constraint?.Mask(logits);
        return new Sampler(Settings.Processors, Settings.DoSample, scratch).Pick(logits, Given, Random!);
    }

    /// <summary>Lets the processors change the logits before a token is picked of them in one go.</summary>
    /// <param name="logits">Changed.</param>
    /// <param name="scratch">Buffers of the thread.</param>
    internal void Process(Span<float> logits, SamplingScratch scratch)
    {
        constraint?.Mask(logits);
        new Sampler(Draw?.Before ?? Settings.Processors, Settings.DoSample, scratch).Process(logits, Given);
    }

    private RowTokens Given => new(CollectionsMarshal.AsSpan(Tokens), PromptLength);
}
