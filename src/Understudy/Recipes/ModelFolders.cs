using Understudy.Box;
using Understudy.Hub;
using Understudy.Models;
using Understudy.Runs;

namespace Understudy.Recipes;

/// <summary>
/// Finds the models that a run begins with: folders, and names in the box and on the Hugging Face Hub. What a name stands for is asked once, so that a
/// branch that moves meanwhile does so for the next run. Belongs to one thread.
/// </summary>
public sealed class ModelFolders : IDisposable
{
    private readonly Lazy<HubClient> hub;
    private readonly ModelBox box;
    private readonly Dictionary<string, HubModel> found = new(StringComparer.Ordinal);

    /// <summary>Asks the Hub that the environment names; see <see cref="HubSettings.FromEnvironment"/>.</summary>
    public ModelFolders()
        : this(() => new HubClient(HubSettings.FromEnvironment()))
    {
    }

    /// <summary>Asks the Hub by <paramref name="client"/>, which is made when the first name comes up and belongs to the new object.</summary>
    /// <param name="client">Makes what asks the Hub.</param>
    /// <param name="box">The models that come with Understudy; null for those of this program.</param>
    public ModelFolders(Func<HubClient> client, ModelBox? box = null)
    {
        hub = new Lazy<HubClient>(client);
        this.box = box ?? ModelBox.FromEnvironment();
    }

    /// <summary>The model on the Hub that a text names; null when it names a folder that exists, or a model in the box.</summary>
    /// <param name="model">A folder, <c>box://NAME</c>, <c>OWNER/NAME[@REVISION]</c> or <c>hf://OWNER/NAME[@REVISION]</c>; a folder that exists goes before a name without <c>://</c>.</param>
    /// <param name="progress">Told when a request is repeated.</param>
    /// <param name="cancel">Stops it.</param>
    /// <exception cref="InvalidDataException">There is no such folder or no such model in the box, and it cannot be a name on the Hub.</exception>
    /// <exception cref="HubException">There is no such folder, and the Hub does not give it.</exception>
    public HubModel? Find(string model, IRunProgress progress, CancellationToken cancel)
    {
        if (BoxName.IsExplicit(model))
        {
            _ = box.FolderOf(model);
            return null;
        }

        var isExplicit = HubName.IsExplicit(model);
        if (!isExplicit && Directory.Exists(model))
        {
            return null;
        }

        if (!HubName.TryParse(model, out var name))
        {
            throw new InvalidDataException(isExplicit
                ? $"Expected {HubName.Expected}, found '{model}'."
                : $"There is no folder '{Path.GetFullPath(model)}'{(File.Exists(model) ? ", but a file of that name" : "")}. It is no name on the Hub either, which is {HubName.Expected}.{box.Hint(model)}");
        }

        if (found.TryGetValue(name.ToString(), out var known))
        {
            return known;
        }

        try
        {
            return found[name.ToString()] = hub.Value.Find(name, new HubProgress(progress), cancel);
        }
        catch (HubException e) when (!isExplicit)
        {
            throw new HubException($"There is no folder '{Path.GetFullPath(model)}'. As a name on the Hub, {e.Message}", e);
        }
    }

    /// <summary>The folder of a model, downloaded where it is on the Hub and not in the cache.</summary>
    /// <param name="model">As for <see cref="Find"/>.</param>
    /// <param name="progress">Told how much has arrived.</param>
    /// <param name="cancel">Stops it; what has arrived is kept for the next time.</param>
    /// <exception cref="InvalidDataException">As for <see cref="Find"/>.</exception>
    /// <exception cref="HubException">As for <see cref="Find"/>.</exception>
    public string Fetch(string model, IRunProgress progress, CancellationToken cancel)
    {
        if (Find(model, progress, cancel) is not { } onHub)
        {
            return BoxName.IsExplicit(model) ? box.FolderOf(model) : model;
        }

        using var shown = new HubProgress(progress);
        return hub.Value.Fetch(onHub, shown, cancel);
    }

    /// <summary>What an adapter on a model calls its base, so that it is found again: its name in the box or on the Hub, with the commit there, or its folder.</summary>
    /// <param name="model">As for <see cref="Find"/>.</param>
    /// <param name="progress">Told how much has arrived.</param>
    /// <param name="cancel">Stops it.</param>
    internal (string Name, string? Revision) BaseNameOf(string model, IRunProgress progress, CancellationToken cancel) =>
        BoxName.IsExplicit(model) ? (model, null)
        : Find(model, progress, cancel) is { } onHub ? (onHub.Name, onHub.Commit)
        : (Path.GetFullPath(model), null);

    /// <summary>The folder of an adapter's base: where the adapter's <c>base_model_name_or_path</c> says, which may be a name in the box, downloaded where it is one on the Hub.</summary>
    /// <param name="adapter">A PEFT folder.</param>
    /// <param name="progress">Told how much has arrived.</param>
    /// <param name="cancel">Stops it; what has arrived is kept for the next time.</param>
    /// <exception cref="InvalidDataException">The base is in no folder, and cannot be a name on the Hub.</exception>
    /// <exception cref="HubException">The base is in no folder, and the Hub does not give it.</exception>
    public string FetchBase(string adapter, IRunProgress progress, CancellationToken cancel)
    {
        if (AdapterFolder.FindBase(adapter, box) is { } folder)
        {
            return folder;
        }

        var config = AdapterFolder.ReadConfig(adapter);
        var named = $"{HubName.Prefix}{config.BaseModelNameOrPath}{(config.Revision is { } revision ? $"@{revision}" : "")}";
        return HubName.TryParse(named, out var name) ? Fetch(name.ToString(), progress, cancel) : AdapterFolder.BaseOf(adapter, box);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (hub.IsValueCreated)
        {
            hub.Value.Dispose();
        }
    }

    /// <summary>A download as a stage of a run, counted in megabytes.</summary>
    private sealed class HubProgress(IRunProgress progress) : IHubProgress, IDisposable
    {
        private const long Megabyte = 1_000_000;

        private IStageProgress? bar;
        private long bytes, shown;
        private long? total;

        public void Note(string text) => progress.Note(text);

        public void Begin(HubName model, long? bytes)
        {
            (this.bytes, shown, total) = (0, 0, (bytes + Megabyte - 1) / Megabyte);
            bar = progress.Start($"download {model.Id}", total, "MB");
        }

        public void Received(long bytes)
        {
            this.bytes += bytes;
            // What was thrown away is not taken back: a bar that runs backwards tells nobody anything.
            if (this.bytes / Megabyte is var done && done > shown)
            {
                bar?.Advance(done - shown);
                shown = done;
            }
        }

        public void Finish(bool whole)
        {
            if (whole)
            {
                bar?.Advance(Math.Max(0, (total ?? shown) - shown));
                bar?.Finish();
            }

            Dispose();
        }

        public void Dispose()
        {
            bar?.Dispose();
            bar = null;
        }
    }
}
