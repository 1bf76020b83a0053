using Understudy.Data;
using Understudy.Hub;
using Understudy.Models;
using Understudy.Runs;
using Understudy.Torch;

namespace Understudy.Recipes;

/// <summary>What every recipe of a run shares.</summary>
/// <param name="Folder">The run folder, held by this process.</param>
/// <param name="Progress">Where a recipe tells how far it is.</param>
/// <param name="Device">Where tensors live.</param>
/// <param name="Cancel">Asked between two steps; what was done until then is kept.</param>
public sealed record RunContext(RunFolder Folder, IRunProgress Progress, Device Device, CancellationToken Cancel)
{
    /// <summary>Where the models to begin with come from.</summary>
    /// <value>The default value asks the Hub that the environment names when a model is no folder.</value>
    public ModelFolders Models { get; init; } = new();

    /// <summary>The model on the Hub that a text names; null for a folder and for a model in the box.</summary>
    internal HubModel? FindModel(string model) => Models.Find(model, Progress, Cancel);

    /// <summary>The folder of a model, downloaded where it is not there.</summary>
    internal string FetchModel(string model) => Models.Fetch(model, Progress, Cancel);

    /// <summary>What an adapter on a model calls its base.</summary>
    internal (string Name, string? Revision) BaseNameOf(string model) => Models.BaseNameOf(model, Progress, Cancel);

    /// <summary>The folder of an adapter's base, fetched where it is on the Hub; null for the folder of a whole model.</summary>
    internal string? BaseOf(string folder) => AdapterFolder.Recognises(folder) ? Models.FetchBase(folder, Progress, Cancel) : null;

    /// <summary>A tuned teacher from its folder.</summary>
    internal Teacher LoadTeacher(string folder, ClassificationTask task) =>
        Teacher.Load(folder, task, AdaptedModel.Holding(folder, Device), adapterBase: BaseOf(folder));

    /// <summary>Begins a stage and tells the reader when earlier work of it stands or is void.</summary>
    internal RunStage Begin(string name, Fingerprint fingerprint, params IReadOnlyList<string> outputs)
    {
        // A model that is gone must not stand beside the next one.
        torch.empty_cache();
        var stage = Folder.Begin(name, fingerprint, outputs);
        if (stage.State == StageState.Finished)
        {
            Progress.Note($"{name}: done before, its result stands.");
        }
        else if (stage.Changed.Count > 0)
        {
            Progress.Note($"{name}: begins again, because {string.Join(", ", stage.Changed)} changed. What it had written is kept under superseded/.");
        }

        return stage;
    }
}
