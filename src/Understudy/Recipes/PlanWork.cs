using System.Diagnostics;
using Understudy.Generation;
using Understudy.Models;
using Understudy.Tokenization;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Recipes;

/// <summary>Training steps with random weights, by the recipe's own loss and session.</summary>
internal sealed class TrainingWork<TModel, TBatch> : IPlanWork<TBatch>
    where TModel : IPretrainedModel
{
    private readonly TModel model;
    private readonly Func<TModel, TBatch, Tensor> loss;
    private readonly TrainingSession session;

    public TrainingWork(PlanModel<TModel> own, TrainingOptions training, Func<TModel, TBatch, Tensor> loss)
    {
        (model, this.loss) = (own.Model, loss);
        // A small step, so that what is learnt of nothing does not run away; and no end.
        var still = training with { LearningRate = 1e-9, Schedule = ScheduleType.Constant, WarmupRatio = 0, WarmupSteps = null, MaxMinutes = null, EarlyStoppingPatience = null };
        session = new TrainingSession(own.Model, still, int.MaxValue, 1, null, own.Lora?.Active?.Parameters);
    }

    public (double Batch, double Step) Do(TBatch batch)
    {
        using var scope = torch.NewDisposeScope();
        session.BeginStep();
        var watch = Stopwatch.StartNew();
        var share = loss(model, batch);
        share.backward();
        var value = share.item<double>();
        var own = watch.Elapsed.TotalSeconds;
        _ = session.EndStep(value, 1, int.MaxValue);
        return (own, watch.Elapsed.TotalSeconds - own);
    }

    public void Dispose() => session.Dispose();
}

/// <summary>The forward pass of a training's loss, as on held-out text.</summary>
internal sealed class ForwardWork<TBatch>(Action<TBatch> forward) : IPlanWork<TBatch>
{
    public (double Batch, double Step) Do(TBatch batch)
    {
        using var gradients = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        var watch = Stopwatch.StartNew();
        forward(batch);
        return (watch.Elapsed.TotalSeconds, 0);
    }

    public void Dispose()
    {
    }
}

/// <summary>A batch of prompts and how many tokens are to follow each.</summary>
/// <param name="Prompts">The prompts with their samples.</param>
/// <param name="NewTokens">Tokens after them.</param>
internal sealed record WritingBatch(IReadOnlyList<GenerationPrompt> Prompts, int NewTokens)
{
    public int Rows => Prompts.Sum(prompt => prompt.Samples);

    public int PromptTokens => Prompts.Count * Prompts.Max(prompt => prompt.Tokens.Count);
}

/// <summary>Generation as the run samples, of texts that never end by themselves.</summary>
internal sealed class WritingWork(ICausalLanguageModel model, Tokenizer tokenizer, SamplingOptions sampling, PrecisionMode precision, Device device, CancellationToken cancel) : IPlanWork<WritingBatch>
{
    public (double Batch, double Step) Do(WritingBatch batch)
    {
        // Looked for as the run's own stop strings are, and never found.
        var stop = new StopCondition([], sampling.StopStrings.Select(text => $"\uE000{text}"), batch.NewTokens, ids => tokenizer.Decode(ids));
        var generator = new TextGenerator(model, LogitsProcessors.From(sampling, [], []), sampling.DoSample, stop);
        using var autocast = Precision.Autocast(precision, device);
        var watch = Stopwatch.StartNew();
        _ = generator.Generate(batch.Prompts, batch.Rows, cancel).Count();
        return (watch.Elapsed.TotalSeconds, 0);
    }

    public void Dispose()
    {
    }
}
