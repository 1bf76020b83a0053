namespace Understudy.Training;

/// <summary>Where a training stands: everything beside weights and optimiser state that the next step depends on.</summary>
public sealed record TrainingProgress
{
    /// <summary>Optimiser steps taken.</summary>
    public int Step { get; init; }

    /// <summary>Epoch of the next step, from 0.</summary>
    public int Epoch { get; init; }

    /// <summary>Steps taken in that epoch.</summary>
    public int StepInEpoch { get; init; }

    /// <summary>Seconds of training so far, over all attempts; a time limit and its schedule count them.</summary>
    public double Seconds { get; init; }

    /// <summary>Tokens trained on so far, padding not counted.</summary>
    public long Tokens { get; init; }

    /// <summary>Loss of the newest step; null before the first.</summary>
    public double? Loss { get; init; }

    /// <summary>The best score of an evaluation so far, higher is better; null before the first.</summary>
    public double? BestScore { get; init; }

    /// <summary>Step of the best evaluation.</summary>
    public int BestStep { get; init; }

    /// <summary>Evaluations since the best one.</summary>
    public int EvaluationsSinceBest { get; init; }
}
